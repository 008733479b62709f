/** A long list is read page by page, each from where the one before ended. */

export interface Paging {
  /** At most so many items. */
  limit: number;
  /** `next` of the page before. */
  cursor?: string;
}

export interface Page<Item> {
  items: Item[];
  /** Where the next page begins; absent on the last. */
  next?: string;
}
