/** The role balance: has nginx on this host spread requests over what runs, and reports it. */
import type { Ekiden } from '../src/ekiden.ts';
import type { Runner } from './runner.ts';

export async function startBalance(ekiden: Ekiden): Promise<Runner> {
  await ekiden.balance.start();
  return { stop: () => ekiden.balance.stop() };
}
