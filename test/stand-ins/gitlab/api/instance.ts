/** Routes about the instance: its release, and for administrators its settings. */
import { type Request, type Response, Router } from 'express';
import type { GitLab } from '../core.ts';
import { authenticate, forbidden } from './http.ts';

export function instanceRoutes(gitlab: GitLab): Router {
  const routes = Router();
  const version = (request: Request, response: Response) => {
    authenticate(gitlab, request);
    const { version } = gitlab.instance();
    const kas = { enabled: false, externalUrl: null, externalK8sProxyUrl: null, version: null };
    response.json({ version, revision: '0000000', kas, enterprise: false });
  };
  routes.get('/version', version);
  routes.get('/metadata', version);
  routes.get('/application/settings', (request, response) => {
    if (!authenticate(gitlab, request).admin) throw forbidden();
    const { allowLocalRequests } = gitlab.options;
    response.json({
      id: 1,
      allow_local_requests_from_hooks_and_services: allowLocalRequests,
      allow_local_requests_from_web_hooks_and_services: allowLocalRequests,
      allow_local_requests_from_system_hooks: true,
      outbound_local_requests_whitelist: [],
      dns_rebinding_protection_enabled: true,
      push_event_hooks_limit: 3,
    });
  });
  return routes;
}
