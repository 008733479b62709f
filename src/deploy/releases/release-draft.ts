/** What the release of a deployment holds; a function of data. */
import type { Deployment } from '../../core/deployment.ts';
import type { Release } from '../../core/release.ts';
import type { AppEnvironment } from '../../core/variable.ts';
import { toApp } from './app-definition.ts';

export interface DraftOptions {
  install: string;
  domain: string;
  /** Number of the release. */
  number: number;
  /** Milliseconds since the epoch. */
  createdAt: number;
  /** What GitLab's variables bring to the app. */
  environment: Pick<AppEnvironment, 'env' | 'secrets'>;
}

/** The record that is kept, with the definition that Marathon gets. */
export function draftRelease(deployment: Deployment, options: DraftOptions): Release {
  const { install, domain, number, createdAt, environment } = options;
  const { env, secrets } = environment;
  const { app, project, projectPath, ref, sha, build, image, service } = deployment;
  const { fragments, serviceCount, deploy, by } = deployment;
  const variables = Object.keys(env);
  const made = { install, domain, release: number, createdAt, variables, secrets };
  return {
    ...{ app, number, project, projectPath, environment: deployment.environment },
    ...{ ref, sha, build, image, fragments, serviceCount, deploy },
    service: service.name,
    spec: service,
    // A deployment that an older Ekiden recorded knows no request.
    request: deployment.request ?? deployment.id,
    ...(by === undefined ? {} : { author: by }),
    definition: toApp(deployment, { ...made, env }),
    ...{ variables, secrets, createdAt },
  };
}
