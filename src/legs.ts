/** Puts the legs of the journey together, and the steps between them. */
import { openArchives } from './archives.ts';
import { createBuilder } from './build/builder.ts';
import { createFragments } from './build/fragments.ts';
import { type BuildLogs, createBuildLogs } from './build/log/build-log.ts';
import { createResolver } from './build/resolve.ts';
import { limitsOf } from './build-host.ts';
import type { BuildRoom } from './build-room.ts';
import { createCatchingUp } from './catching-up.ts';
import { createGitLabVariables } from './clients/gitlab-variables.ts';
import { gitlabConnection } from './config.ts';
import type { JourneyEvent, RefDeleted } from './core/event.ts';
import { useOf } from './core/fragment.ts';
import { createDeployer } from './deploy/deployer.ts';
import { endHeldIn } from './deploy/held.ts';
import { removeAppsOf, removeLeftServices } from './deploy/removal.ts';
import { requestDeployments } from './deploy/request.ts';
import type { Dockerfiles } from './dockerfiles.ts';
import type { Diagnosing } from './failures.ts';
import { createVariables } from './gitlab/variables.ts';
import type { Jobs } from './jobs.ts';
import { type Parts, registryLoginOf, urlMaker } from './parts.ts';
import { createRebuilding, remembering } from './releases.ts';
import { isUnderWay } from './under-way.ts';

type LegParts = Parts & { buildRoom: BuildRoom; jobs: Jobs } & Pick<Diagnosing, 'explainer'>;
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
  { config, stores, gitlab, dataCentres }: LegParts,
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
    limits: {
      instances: config.maxInstances,
      memory: config.maxMemory,
      dataCentres: dataCentres.list().map(({ name }) => name),
    },
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

function deployerOf(parts: LegParts, { environmentOf }: Variables) {
  const { config, stores, dataCentres, explainer, log } = parts;
  return createDeployer({
    ...{ explain: explainer.explain, notice: explainer.notice },
    ...{ ...stores, dataCentres, environmentOf, log },
    releases: remembering(parts),
    ensureNumbered: createRebuilding(parts).ensureNumbered,
    exclusively: stores.locks.exclusively,
    isRouted: stores.balancers.isRouted,
    isFree: stores.balancers.isFree,
    commands: parts.jobs.commands,
    install: config.install,
    domain: config.domain,
    deadline: config.deployDeadline,
    urlOf: urlMaker(config),
  });
}

/** How long the hook of a newer commit may take before the head is looked at without it. */
const hookPatience = 3_000;

/** The small steps that the relay takes between the legs. */
export function createSteps(parts: Parts & { jobs: Jobs }, newBuildId: () => string) {
  const { config, stores, jobs } = parts;
  const removal = { ...parts, ...stores, install: config.install, endJobs: jobs.endAll };

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
    catchingUp: createCatchingUp({
      ...{ ...parts, ...stores, install: config.install },
      releases: remembering(parts),
      ensureNumbered: createRebuilding(parts).ensureNumbered,
      exclusively: stores.locks.exclusively,
      isFree: stores.balancers.isFree,
      onGood: (deployment: string) => jobs.schedules.follow(deployment),
    }),
    async noteFragments(id: string) {
      const build = await stores.builds.find(id);
      if (build) await stores.fragmentUses.note(useOf(build, Date.now()));
    },
    async removeApps(arrival: RefDeleted): Promise<JourneyEvent[]> {
      await removeAppsOf(removal, arrival);
      const { project, ref } = arrival;
      // The resolver has given up the head only where GitLab shows the ref no more.
      if (await stores.heads.current(project, ref)) return [];
      await stores.fragmentUses.forget(project, ref);
      return endHeldIn(stores.deployments, { project, ref });
    },
    async removeLeftServices(deployment: string) {
      await removeLeftServices(removal, deployment);
    },
  };
}

type HeadMoved = JourneyEvent & { type: 'head.moved' };
