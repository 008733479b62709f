/** Puts the legs of the journey together, and the steps between them. */
import { openArchives } from './archives.ts';
import { createBuilder } from './build/builder.ts';
import { createFragments } from './build/fragments.ts';
import { type BuildLogs, createBuildLogs } from './build/log/build-log.ts';
import { createResolver } from './build/resolve.ts';
import { limitsOf } from './build-host.ts';
import type { BuildRoom } from './build-room.ts';
import { createGitLabVariables } from './clients/gitlab-variables.ts';
import { gitlabConnection } from './config.ts';
import type { JourneyEvent, RefDeleted } from './core/event.ts';
import { useOf } from './core/fragment.ts';
import { createDeployer } from './deploy/deployer.ts';
import { removeAppsOf, removeLeftServices } from './deploy/removal.ts';
import { requestDeployments } from './deploy/request.ts';
import type { Dockerfiles } from './dockerfiles.ts';
import { createVariables } from './gitlab/variables.ts';
import { type Parts, registryLoginOf, urlMaker } from './parts.ts';
import { isUnderWay } from './under-way.ts';

type LegParts = Parts & { buildRoom: BuildRoom };
type Variables = ReturnType<typeof createVariables>;

export function createLegs(parts: LegParts, dockerfiles: Dockerfiles) {
  const { config, stores } = parts;
  const buildLogs = createBuildLogs(stores.buildLogStore);
  const variables = createVariables({
    gitlab: createGitLabVariables(gitlabConnection(config)),
    releases: stores.releases,
  });
  return {
    buildLogs,
    resolver: resolverOf(parts, dockerfiles, buildLogs),
    builder: builderOf(parts, variables, buildLogs),
    deployer: deployerOf(parts, variables),
    fragments: createFragments({
      templates: dockerfiles.templates,
      uses: stores.fragmentUses,
    }),
  };
}

function resolverOf(
  { config, stores, gitlab }: LegParts,
  { expand, actors }: Dockerfiles,
  logs: BuildLogs,
) {
  return createResolver({
    gitlab,
    builds: stores.builds,
    heads: stores.heads,
    projects: stores.knownProjects,
    tagRules: stores.tagRules,
    logs,
    expand,
    actorOf: actors.ofUser,
    limits: { instances: config.maxInstances, memory: config.maxMemory },
    deadline: config.deployDeadline,
    cancel: stores.cancellations.publish,
    isUnderWay: (build) => isUnderWay(stores.queues, build),
  });
}

function builderOf(parts: LegParts, { secretsOf }: Variables, logs: BuildLogs) {
  const { config, stores, gitlab, docker, registry, buildRoom } = parts;
  const registryLogin = registryLoginOf(config);
  return createBuilder({
    gitlab,
    docker,
    builds: stores.builds,
    heads: stores.heads,
    logs,
    archives: openArchives(parts),
    registry: config.registryUrl,
    registryClient: registry,
    ...(registryLogin ? { registryLogin } : {}),
    exclusively: stores.locks.exclusively,
    builder: config.builder,
    args: config.buildArgs,
    secretsOf,
    install: config.install,
    timeout: config.buildTimeout,
    limits: limitsOf(config),
    admit: buildRoom.admit,
  });
}

function deployerOf({ config, stores, marathon }: LegParts, { environmentOf }: Variables) {
  return createDeployer({
    marathon,
    deployments: stores.deployments,
    releases: stores.releases,
    scales: stores.scales,
    environmentOf,
    exclusively: stores.locks.exclusively,
    isRouted: stores.balancers.isRouted,
    install: config.install,
    domain: config.domain,
    urlOf: urlMaker(config),
  });
}

/** How long the hook of a newer commit may take before the head is looked at without it. */
const hookPatience = 3_000;

/** The small steps that the relay takes between the legs. */
export function createSteps(parts: Parts, newBuildId: () => string) {
  const { config, stores } = parts;
  const removal = { ...parts, ...stores, install: config.install };

  return {
    async lookAgain({ project, ref, before, sha, ...event }: HeadMoved) {
      const build = newBuildId();
      const now = { receivedAt: Date.now(), acceptedAt: Date.now() };
      await stores.queues.arrivals.add(
        { type: 'push.received', cause: 'reconcile', build, project, ref, before, sha, ...now },
        { id: `look-${event.build}`, delay: hookPatience },
      );
    },
    requestDeployments: (build: string) => requestDeployments(stores, build),
    async noteFragments(id: string) {
      const build = await stores.builds.find(id);
      if (build) await stores.fragmentUses.note(useOf(build, Date.now()));
    },
    async removeApps(arrival: RefDeleted) {
      await removeAppsOf(removal, arrival);
      const { project, ref } = arrival;
      // The resolver has given up the head only where GitLab shows the ref no more.
      if (!(await stores.heads.current(project, ref)))
        await stores.fragmentUses.forget(project, ref);
    },
    async removeLeftServices(deployment: string) {
      await removeLeftServices(removal, deployment);
    },
  };
}

type HeadMoved = JourneyEvent & { type: 'head.moved' };
