/** Reads queries as Java clients write them, and answers writes with their deployment. */
import type { Request, Response } from 'express';
import { absoluteId } from './app-id.ts';
import type { DeploymentResult } from './deployments.ts';

/** The app id in a path: any number of slashes around it, `%2F` inside it. */
export function idFrom(request: Request): string {
  return absoluteId(param(request, 0));
}

/** The n-th group of a route's regular expression. */
export function param(request: Request, index: number): string {
  const value = request.params[String(index)];
  return typeof value === 'string' ? value : '';
}

/** Java's reading: "true" in any case is true, everything else that is given is false. */
export function flag(request: Request, name: string, fallback: boolean): boolean {
  const value = texts(request, name)[0];
  return value === undefined ? fallback : value.toLowerCase() === 'true';
}

/** All values of a query that may be repeated. */
export function texts(request: Request, name: string): string[] {
  const value = request.query[name];
  const list = Array.isArray(value) ? value : [value];
  return list.filter((item) => typeof item === 'string');
}

export function sendDeployment(response: Response, result: DeploymentResult, status = 200): void {
  response.set('Marathon-Deployment-Id', result.deploymentId);
  response.status(status).json({ version: result.version, deploymentId: result.deploymentId });
}
