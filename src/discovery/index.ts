/** What the rest of Ekiden uses of discovery. */
export { type AppliedReport, createDiscovery, type Discovery } from './discovery.ts';
export { createNginx, type Nginx, type NginxOptions } from './nginx.ts';
export { createProjectDiscovery, type ProjectDiscovery } from './project-view.ts';
