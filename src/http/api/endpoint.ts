/** What an endpoint of the API is: one declaration that routes, checks, guards and documents it. */
import type { Request, Response } from 'express';
import type { z } from 'zod';
import type { Ability, Caller, Wanted } from '../../core/access.ts';
import type { Ekiden } from '../../ekiden.ts';

/** What a handler is given, all of it checked. */
export interface Context<Params, Query, Body> {
  ekiden: Ekiden;
  caller: Caller;
  params: Params;
  query: Query;
  body: Body;
  request: Request;
  /** For answers that are no JSON; others are returned. */
  response: Response;
  /** GitLab's id of the project in the path. */
  project: number;
  /** For what depends on more than the path. @throws AccessError (403), NotFoundError */
  authorize(wanted: Wanted): Promise<void>;
}

/** `signed-in`: whoever GitLab knows. */
export type Needs = Ability | 'signed-in';

export interface Endpoint<
  Params extends z.ZodObject = z.ZodObject,
  Query extends z.ZodObject = z.ZodObject,
  Body extends z.ZodType = z.ZodType,
  Answer extends z.ZodType = z.ZodType,
> {
  method: 'get' | 'post' | 'put' | 'delete';
  /** Below /api/v1, as OpenAPI writes it; `{path*}` at the end takes slashes. */
  path: string;
  /** Unique, for clients that are made from the document. */
  id: string;
  tag: string;
  summary: string;
  description?: string;
  /** Least ability in the project, and in the environment where the path names one. */
  needs: Needs;
  params?: Params;
  query?: Query;
  body?: Body;
  /** Bytes, where a body may be larger than those of others. */
  largestBody?: number;
  /** The answer when all goes well; without a schema the handler writes it itself. */
  answer: { status?: number; description: string; schema?: Answer; type?: string };
  /** Codes of HTTP that it can answer besides the common ones, with what they mean. */
  others?: Record<number, string>;
  handle(
    context: Context<z.output<Params>, z.output<Query>, z.output<Body>>,
  ): Promise<z.input<Answer>>;
}

/** An endpoint whose own types no longer matter. */
export type AnyEndpoint = Omit<Endpoint, 'handle'> & {
  handle(context: Context<never, never, never>): Promise<unknown>;
};

/** Declares an endpoint; its types follow from its schemas. */
export function endpoint<
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodType,
  Answer extends z.ZodType,
>(declared: Endpoint<Params, Query, Body, Answer>): AnyEndpoint {
  return declared as unknown as AnyEndpoint;
}
