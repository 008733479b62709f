/** An app that answers with its version and a greeting, and writes to a log file and to its output. */
import type { Files } from '../demo/sample-project.ts';

/** All files of a version; the greeting is the variable GREETING. */
export const greetingFiles = (version: string): Files => ({
  Dockerfile: `ARG NODE_IMAGE=node:20\nFROM \${NODE_IMAGE}\nINCLUDE template:logs@1\nCOPY app.js .\nEXPOSE 8080\nCMD ["node", "app.js"]\n`,
  '.ekiden.yml': 'services: { web: { mem: 128, health: { path: /, interval: 1s } } }\n',
  'app.js': `const { appendFileSync } = require('node:fs');
console.log('this is ${version}');
appendFileSync(process.env.LOG_DIR + '/access.log', 'started ${version}\\n');
require('node:http').createServer((q, r) => {
  console.log('asked', q.url);
  r.end(JSON.stringify({ version: '${version}', greeting: process.env.GREETING ?? null }));
}).listen(8080);
`,
});
