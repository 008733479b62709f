/** For those who watch over Ekiden: is it up, may it get requests, how are its parts. */
import { Router } from 'express';
import type { Ekiden } from '../ekiden.ts';
import { sendJson } from './answer.ts';
import type { HttpMetrics } from './metrics.ts';

export function createHealth(ekiden: Pick<Ekiden, 'readiness'>, metrics: HttpMetrics): Router {
  const router = Router();
  router.get('/healthz', (_, response) => {
    response.type('text').send('ok\n');
  });
  router.get('/readyz', async (_, response) => {
    const { ready, parts } = await ekiden.readiness();
    sendJson(response, ready ? 200 : 503, { ready, parts });
  });
  router.get('/metrics', async (_, response) => {
    response.set('Content-Type', metrics.contentType).send(await metrics.text());
  });
  return router;
}
