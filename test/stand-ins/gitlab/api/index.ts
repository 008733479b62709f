/** The REST API under /api/v4: all routes, and the one place that writes errors. */
import express, { type NextFunction, type Request, type Response, type Router } from 'express';
import type { GitLab } from '../core.ts';
import { archiveRoutes } from './archive.ts';
import { deploymentRoutes } from './deployments.ts';
import { environmentRoutes } from './environments.ts';
import { fileRoutes } from './files.ts';
import { groupRoutes } from './groups.ts';
import { hookRoutes } from './hooks.ts';
import { ApiError, authenticate } from './http.ts';
import { instanceRoutes } from './instance.ts';
import { memberRoutes } from './members.ts';
import { projectRoutes } from './projects.ts';
import { protectionRoutes } from './protection.ts';
import { repositoryRoutes } from './repository.ts';
import { statusRoutes } from './statuses.ts';
import { tokenRoutes } from './tokens.ts';
import { userRoutes } from './users.ts';
import { variableRoutes } from './variables.ts';

export function apiRoutes(gitlab: GitLab): Router {
  const api = express.Router();
  api.use(express.json({ limit: '5mb' }), express.urlencoded({ extended: true }));
  api.use(instanceRoutes(gitlab));
  api.use(userRoutes(gitlab));
  api.use(tokenRoutes(gitlab));
  api.use(projectRoutes(gitlab));
  api.use(memberRoutes(gitlab));
  api.use(protectionRoutes(gitlab));
  api.use(repositoryRoutes(gitlab));
  api.use(fileRoutes(gitlab));
  api.use(archiveRoutes(gitlab));
  api.use(statusRoutes(gitlab));
  api.use(hookRoutes(gitlab));
  api.use(groupRoutes(gitlab));
  api.use(environmentRoutes(gitlab));
  api.use(deploymentRoutes(gitlab));
  api.use(variableRoutes(gitlab));
  api.use((request, response) => {
    authenticate(gitlab, request);
    response.status(404).json({ error: '404 Not Found' });
  });
  api.use(answerError);
  return api;
}

function answerError(error: unknown, _: Request, response: Response, next: NextFunction): void {
  if (response.headersSent) next(error);
  else if (error instanceof ApiError) sendError(error, response);
  else if (isBadBody(error)) response.status(400).json({ error: 'body is invalid' });
  else {
    if (response.destroyed) return;
    process.stderr.write(`stand-in GitLab: ${error instanceof Error ? error.stack : error}\n`);
    response.status(500).json({ message: '500 Internal Server Error' });
  }
}

function sendError({ status, headers, body }: ApiError, response: Response): void {
  response.status(status).set(headers);
  if (typeof body === 'string') response.type('text/plain').send(body);
  else response.json(body);
}

function isBadBody(error: unknown): boolean {
  return error instanceof Error && 'type' in error && error.type === 'entity.parse.failed';
}
