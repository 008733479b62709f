/** Holds sockets to the limits of all other requests, though Node hands upgrades past Express. */
import { type IncomingMessage, ServerResponse } from 'node:http';
import express, { type Request, type Response } from 'express';
import type { Caller } from '../core/access.ts';
import type { Limits } from './limits.ts';

export interface SocketLimits {
  /** @throws TooManyRequestsError for an address that asks too often, or brought many wrong tokens */
  enter(request: IncomingMessage): Promise<Entered>;
}

export interface Entered {
  /** @throws TooManyRequestsError */
  count(caller: Caller): Promise<void>;
  /** Counts a token that was refused. */
  noteRefused(): Promise<void>;
}

export function createSocketLimits(limits: Limits, proxies: string[]): SocketLimits {
  // Express reads the address from behind the proxies, and hands on what the limits say.
  const app = express();
  app.set('trust proxy', proxies);
  app.use(limits.byAddress);
  return {
    async enter(request) {
      const response = new ServerResponse(request);
      await new Promise<void>((resolve, reject) => {
        app(request as Request, response as Response, (error?: unknown) =>
          error ? reject(error) : resolve(),
        );
      });
      return {
        count: (caller) => limits.byCaller(caller, request as Request, response as Response),
        noteRefused: () => limits.noteRefused(request as Request),
      };
    },
  };
}
