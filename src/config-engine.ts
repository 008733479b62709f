/** The settings of the embedded engine, a part of those in config.ts. */
import { z } from 'zod';
import { setting } from './config-reading.ts';
import { address, login, mostSeconds, whole } from './config-values.ts';
import { localUrlOf } from './core/address.ts';
import type { BasicLogin } from './core/basic-login.ts';

export const engineSettings = {
  engineListen: setting(
    'EKIDEN_ENGINE_LISTEN',
    address.default('127.0.0.1:7308'),
    'Where the embedded engine listens.',
  ),
  engineImage: setting(
    'EKIDEN_ENGINE_IMAGE',
    z.string().default('busybox:1.36'),
    'Image for apps of the engine that name none.',
  ),
  engineCredentials: setting(
    'EKIDEN_ENGINE_CREDENTIALS_FILE',
    login.optional(),
    'File whose first line is the user:password that the embedded engine asks for; default: it asks for none.',
  ),
  engineCpus: setting(
    'EKIDEN_ENGINE_CPUS',
    z.coerce.number('is no number').positive('is not above 0').optional(),
    'Processors that all instances of the engine together may ask for; default: each as many as there are.',
  ),
  engineMem: setting(
    'EKIDEN_ENGINE_MEM',
    whole(1).optional(),
    'MiB that all instances of the engine together may ask for; default: four times what there is.',
  ),
  engineAttributes: setting(
    'EKIDEN_ENGINE_ATTRIBUTES',
    z.string().default(''),
    'Attributes of the node of the engine for constraints, such as rack:a;ssd:true.',
  ),
  drain: setting(
    'EKIDEN_DRAIN',
    z.coerce
      .number('is no number')
      .min(0, 'is below 0')
      .max(mostSeconds, `is above ${mostSeconds}`)
      .default(5),
    'Seconds that the engine lets an instance serve on after it was taken out of the balancers.',
  ),
};

/** Where the embedded engine is reached from its own machine, with the login that it asks for in the address. */
export function engineUrlOf(listen: string, credentials: BasicLogin | undefined): string {
  const url = localUrlOf(listen);
  if (credentials === undefined) return url;
  const { user, password } = credentials;
  return url.replace('://', `://${encodeURIComponent(user)}:${encodeURIComponent(password)}@`);
}
