/** The ways to tell nginx about upstreams, by the name of the mode. */
import { createDynamic } from './dynamic.ts';
import { createFile } from './file.ts';

export const renderers = { dynamic: createDynamic, file: createFile };

export type NginxMode = keyof typeof renderers;
