/** A Project of GitLab that Ekiden has worked for. */
import type { Page, Paging } from './page.ts';

export interface KnownProject {
  /** GitLab's id; a project that is renamed or moved keeps it. */
  id: number;
  /** `group/name`, as GitLab showed it last. */
  path: string;
}

/** Remembers the projects that were pushed to. */
export interface ProjectStore {
  /** Notes that something happens in the project, and under which path GitLab shows it now. */
  note(project: KnownProject): Promise<void>;
  find(id: number): Promise<KnownProject | undefined>;
  /** Those with the newest activity first. */
  list(paging: Paging): Promise<Page<KnownProject>>;
  /** All at one moment: while pages are read, a project that becomes active moves between them. */
  ids(): Promise<number[]>;
}

/** Names a service of a project, and the id that a new app of it would get. */
export interface AppClaim {
  project: number;
  environment: string;
  service: string;
  /** By the path that the project has now. */
  wanted: string;
}

/** Which app in Marathon a service is; an app keeps its id when its project is renamed. */
export interface AppIds {
  /**
   * The id of the service's app, from the first claim on. Where the app of another project has the
   * wanted id, another one is made of it.
   */
  claim(claim: AppClaim): Promise<string>;
  /** The ids that the services of an environment have, by service. */
  list(where: Pick<AppClaim, 'project' | 'environment'>): Promise<Map<string, string>>;
  /** The app is gone: its service and its id are free. */
  release(app: string): Promise<void>;
}
