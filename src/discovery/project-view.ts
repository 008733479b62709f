/** What balancers are to spread requests over, of one project, for balancers that people run themselves. */
import type { Marathon, MarathonApp } from '../clients/marathon.ts';
import { createTemplates } from './renderers/templates.ts';
import { keyOf } from './routes.ts';
import { installLabel, toUpstreams } from './upstreams.ts';

/** An app of the project with its addresses and the instances that answer there. */
export interface ProjectUpstream {
  environment: string;
  service: string;
  app: string;
  /** Each `host` or `host/path`. */
  routes: string[];
  members: { instance: string; address: string; weight: number }[];
}

export interface ProjectDiscovery {
  /** By app; reads Marathon afresh. */
  ofProject(project: number): Promise<ProjectUpstream[]>;
  /** The same as upstream blocks of nginx; equal states give equal text. */
  nginxOf(project: number): Promise<string>;
}

export interface ProjectDiscoveryOptions {
  marathon: Pick<Marathon, 'apps'>;
  install: string;
  /** Folder with the template `project-upstreams.conf`. */
  templates: string;
}

export function createProjectDiscovery(options: ProjectDiscoveryOptions): ProjectDiscovery {
  const { marathon, install } = options;
  const templates = createTemplates(options.templates);

  async function ofProject(project: number): Promise<ProjectUpstream[]> {
    const label = `${installLabel}==${install},ekiden.project==${project}`;
    const apps = await marathon.apps({ label });
    const byId = new Map(apps.map((app) => [app.id, app]));
    return toUpstreams(apps, { install }).upstreams.map(({ app, routes, members }) => ({
      ...namesOf(byId.get(app)),
      ...{ app, members },
      routes: routes.map(keyOf),
    }));
  }

  return {
    ofProject,
    async nginxOf(project) {
      const upstreams = (await ofProject(project)).map((upstream) => ({
        ...upstream,
        name: upstream.app.slice(1).replace(/[^a-z0-9-]/g, '_'),
      }));
      return templates.render('project-upstreams.conf', { upstreams });
    },
  };
}

function namesOf(app: MarathonApp | undefined) {
  return {
    environment: app?.labels['ekiden.environment'] ?? '',
    service: app?.labels['ekiden.service'] ?? '',
  };
}
