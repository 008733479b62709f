/** A Variable is a CI/CD variable of a project or group in GitLab; from them apps get their environment. */

export interface Variable {
  key: string;
  /** Null where GitLab keeps it hidden, also from its API. */
  value: string | null;
  /** `file`: a CI job gets the path of a file with the value in it. */
  type: 'env_var' | 'file';
  /** For protected branches and tags alone. */
  isProtected: boolean;
  isMasked: boolean;
  /** False: `$NAME` in the value stands for another variable. */
  isRaw: boolean;
  /** Name of an environment where `*` stands for anything. */
  scope: string;
}

/** What GitLab's variables bring to an app. */
export interface AppEnvironment {
  env: Record<string, string>;
  /** Names of those that nobody may see the value of. */
  secrets: string[];
  /** What did not reach the app and why, a sentence each. */
  warnings: string[];
}

/** What GitLab's variables bring to a build, which gets none of them as arguments. */
export interface BuildSecrets {
  /** Value of DOCKER_AUTH_CONFIG: logins for private base images. */
  dockerAuth?: string;
  /** Values of the variables that the manifest's build.secrets names, as far as they hold for the build. */
  values: Record<string, string>;
  /** Values that must not appear in the log. */
  masked: string[];
  /** True where GitLab does not let the token read the project's variables. */
  areUnreadable: boolean;
}
