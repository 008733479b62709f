/** Counts and times every exchange of HTTP. */
import type { RequestHandler } from 'express';
import { createMeter, createTimer, type MeterFigures, type TimerFigures } from './meter.ts';

export interface HttpFigures {
  active: number;
  requestBytes: number;
  responseBytes: number;
  /** Answers of 403, with which deployments that are too many are turned away. */
  forbidden: number;
  /** By the first digit: `2xx`. */
  responses: Record<string, MeterFigures>;
  requests: TimerFigures;
  byMethod: Record<string, TimerFigures>;
}

const METHODS = ['get', 'post', 'put', 'delete'];
const CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx'];
const FORBIDDEN = 403;

export type HttpMetrics = ReturnType<typeof createHttpMetrics>;

export function createHttpMetrics() {
  const sums = { active: 0, requestBytes: 0, responseBytes: 0, forbidden: 0 };
  const responses = new Map(CLASSES.map((name) => [name, createMeter()]));
  const requests = createTimer();
  const byMethod = new Map(METHODS.map((name) => [name, createTimer()]));

  const handler: RequestHandler = (request, response, next) => {
    const started = performance.now();
    sums.active += 1;
    response.once('close', () => {
      const seconds = (performance.now() - started) / 1000;
      const { statusCode: status } = response;
      sums.active -= 1;
      sums.requestBytes += Number(request.headers['content-length'] ?? 0) || 0;
      sums.responseBytes += Number(response.getHeader('content-length') ?? 0) || 0;
      if (status === FORBIDDEN) sums.forbidden += 1;
      responses.get(`${Math.floor(status / 100)}xx`)?.mark();
      requests.record(seconds);
      byMethod.get(request.method.toLowerCase())?.record(seconds);
    });
    next();
  };

  return {
    handler,
    read: (): HttpFigures => ({
      ...sums,
      responses: Object.fromEntries([...responses].map(([name, meter]) => [name, meter.read()])),
      requests: requests.read(),
      byMethod: Object.fromEntries([...byMethod].map(([name, timer]) => [name, timer.read()])),
    }),
  };
}
