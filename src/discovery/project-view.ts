/** What balancers are to spread requests over, of one project, for balancers that people run themselves. */
import type { DataCentres } from '../clients/data-centres.ts';
import type { MarathonApp } from '../clients/marathon.ts';
import { serviceAppOf, type TrafficStore } from '../core/traffic.ts';
import { createTemplates } from './renderers/templates.ts';
import { withWholeWeights } from './renderers/whole-weights.ts';
import { keyOf } from './routes.ts';
import { installLabel, toUpstreams } from './upstreams.ts';

/** An app of the project with its addresses and the instances that answer there. */
export interface ProjectUpstream {
  environment: string;
  service: string;
  app: string;
  /** Each `host` or `host/path`. */
  routes: string[];
  /** Weights are whole numbers. */
  members: { instance: string; address: string; weight: number }[];
}

export interface ProjectDiscovery {
  /** By app; reads Marathon afresh. @throws RemoteError while a data centre is away. */
  ofProject(project: number): Promise<ProjectUpstream[]>;
  /** The same as upstream blocks of nginx; equal states give equal text. */
  nginxOf(project: number): Promise<string>;
}

export interface ProjectDiscoveryOptions {
  dataCentres: Pick<DataCentres, 'apps'>;
  install: string;
  /** Default: all instances count the same. */
  traffic?: Pick<TrafficStore, 'all'>;
  /** Folder with the template `project-upstreams.conf`. */
  templates: string;
}

export function createProjectDiscovery(options: ProjectDiscoveryOptions): ProjectDiscovery {
  const { dataCentres, install, traffic } = options;
  const templates = createTemplates(options.templates);

  async function ofProject(project: number): Promise<ProjectUpstream[]> {
    const label = `${installLabel}==${install},ekiden.project==${project}`;
    const { apps, away } = await dataCentres.apps({ label });
    // Half of the instances would be taken for all of them, and a balancer for whole.
    if (away[0]) throw away[0].error;
    const byId = new Map(apps.map((app) => [serviceAppOf(app.id), app]));
    const weights = await traffic?.all();
    return toUpstreams(apps, { install, weights }).upstreams.map(({ app, routes, members }) => ({
      ...namesOf(byId.get(app)),
      ...{ app, members: withWholeWeights(members) },
      routes: routes.map(keyOf),
    }));
  }

  return {
    ofProject,
    async nginxOf(project) {
      const upstreams = (await ofProject(project)).map((upstream) => ({
        ...upstream,
        // As text of nginx a weight is 1 at least.
        members: upstream.members.filter(({ weight }) => weight > 0),
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
