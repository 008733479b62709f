/** The project that the demo pushes, in the versions that its story needs. */

export type Files = Record<string, string>;

const dockerfile = `INCLUDE template:node@20
INCLUDE docker/app.dockerfile
CMD ["node", "server.js"]
`;

const fragment = `COPY package.json ./
COPY server.js ./
EXPOSE 8080
`;

const manifest = `services:
  web:
    mem: 128
    instances: 2
    health: { path: /health, interval: 1s, timeout: 2s }
`;

const server = (version: string, port: number) => `import { createServer } from 'node:http';

const answer = { version: '${version}', instance: process.env.MESOS_TASK_ID };

createServer((request, response) => {
  response.setHeader('Content-Type', 'application/json');
  response.end(request.url === '/health' ? '{"ok":true}' : JSON.stringify(answer));
}).listen(${port}, () => console.log('listening on ${port}'));
`;

/** All files of a version; the image says that it listens on 8080, whatever \`port\` is. */
export function projectFiles(version: string, port = 8080): Files {
  return {
    Dockerfile: dockerfile,
    'docker/app.dockerfile': fragment,
    '.ekiden.yml': manifest,
    'package.json': `${JSON.stringify({ name: 'hello', type: 'module', private: true })}\n`,
    'server.js': server(version, port),
    'README.md': '# Hello\n\nA small app that says its version.\n',
  };
}
