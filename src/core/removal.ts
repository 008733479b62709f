/** Apps that were taken down while a data centre was away, and are to go there once it is back. */

export interface PendingRemoval {
  app: string;
  dataCentre: string;
}

export interface PendingRemovals {
  note(removal: PendingRemoval): Promise<void>;
  list(): Promise<PendingRemoval[]>;
  forget(removal: PendingRemoval): Promise<void>;
}
