/** `node test/setup/with-docker.js COMMAND…`: runs one command inside the tests' set-up, such as `npx vitest test/engine`. */
import { explain } from './errors.js';
import { runSession } from './session.js';

const [file, ...args] = process.argv.slice(2);

try {
  process.exit(await runSession({ kind: 'test', program }));
} catch (error) {
  process.stderr.write(`${explain(error)}\n`);
  process.exit(error.exitCode ?? 3);
}

function program({ install, data, images }) {
  return {
    file: file ?? 'sh',
    args,
    env: {
      EKIDEN_TEST_INSTALL: install,
      EKIDEN_TEST_DATA: data,
      EKIDEN_TEST_BUSYBOX: images.busybox,
      EKIDEN_TEST_NODE: images.node,
    },
  };
}
