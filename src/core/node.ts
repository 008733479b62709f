/** A Node is a compute host: what it says of itself, and what it knows of the instances that it runs or ran. */

export interface NodeReport {
  name: string;
  /** Where the web role reaches it, such as `http://10.0.0.7:7309`. */
  url: string;
  /** Names and addresses by which Marathon may name this host. */
  hosts: string[];
  /** Milliseconds since the epoch of the report. */
  at: number;
}

/** Which nodes there are; one that says nothing for a minute is none. */
export interface Nodes {
  report(node: NodeReport): Promise<void>;
  /** Forgets a node that stops. */
  leave(name: string): Promise<void>;
  /** By name. */
  list(): Promise<NodeReport[]>;
}

/** An instance as its node sees it. */
export interface NodeInstance {
  /** Marathon's task id. */
  id: string;
  app: string;
  /** The folder on this host that the container has as its sandbox. */
  sandbox: string;
  /** Folders in the sandbox that volumes bring into the container, such as `logs`. */
  folders: string[];
  /** Number of the release that it was started with, where its container tells. */
  release?: number;
  /** Milliseconds since the epoch; absent while it is alive. */
  endedAt?: number;
  /** How it ended, where Docker told. */
  exit?: InstanceExit;
  /** Where its processes are found, while they run. */
  running?: RunningContainer;
}

export interface InstanceExit {
  /** Above 128: that of a process that a signal ended. */
  code?: number;
  outOfMemory: boolean;
}

/** A TCP port on which the own processes of an instance listen. */
export interface ListeningPort {
  port: number;
  /** Reachable through the loopback address only. */
  loopback: boolean;
}

/** What its node says of an instance, for a while also after its end. */
export interface InstanceFacts {
  isAlive: boolean;
  endedAt?: number;
  release?: number;
  exit?: InstanceExit;
  /** After its end, those that were seen last; absent where nobody could look. */
  listening?: ListeningPort[];
}

/** Tells what nodes saw of instances, wherever they run or ran. */
export interface Witness {
  /** Undefined when no node knows the instance. @throws RemoteError while nodes are away */
  factsOf(instance: string): Promise<InstanceFacts | undefined>;
}

/** The ports of this node's own instances. */
export interface ListeningPorts {
  of(instance: string): Promise<ListeningPort[] | undefined>;
}

export interface RunningContainer {
  /** Docker's id. */
  id: string;
  /** Of the first process, as this host counts. */
  pid: number;
  /** False in the host's network, whose counters are those of everybody. */
  hasOwnNetwork: boolean;
}

/** The instances of this installation on this node. */
export interface NodeInstances {
  find(id: string): Promise<NodeInstance | undefined>;
  /** Those that are alive, and those that ended and are still known. */
  list(): NodeInstance[];
  /** Those of the app, also what ended before the node could look at it. */
  ofApp(app: string): Promise<NodeInstance[]>;
  /** Tells of each change of the list until the answered function is called. */
  watch(onChange: () => void): () => void;
}

/** Shows that a request comes from Ekiden itself. */
export interface NodeSignature {
  /** The header that goes with a request for `target`, which is path and query as they are sent. */
  sign(method: string, target: string): string;
  /** Why the header does not do; undefined when it does. */
  refusalOf(method: string, target: string, header: string | undefined): string | undefined;
}
