/** Dynamic mode: nginx asks Lua for every request's member, so upstreams change without a reload. */
import type { Upstream } from '../../core/upstream.ts';
import { type Frame, mainFile, type NginxRenderer, stateFile, stateText } from './renderer.ts';
import type { Templates } from './templates.ts';

export function createDynamic(templates: Templates, frame: Frame): NginxRenderer {
  return {
    files: async (upstreams: Upstream[]) => ({
      'nginx.conf': await mainFile(templates, 'dynamic', frame),
      'ekiden.lua': await templates.read('ekiden.lua'),
      [stateFile]: stateText(upstreams),
    }),
    apply: async (upstreams, host) => {
      const text = stateText(upstreams);
      // Written first, so that an nginx that starts meanwhile has the new list too.
      await host.write(stateFile, text);
      await host.put('/upstreams', text);
    },
  };
}
