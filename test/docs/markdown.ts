/** Reads the parts of Markdown files that tests look at. */

export interface Fence {
  text: string;
  /** Line of its first line, from 1. */
  line: number;
}

/** The fenced blocks of one language. */
export function fencesOf(page: string, language: string): Fence[] {
  const found = page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'));
  return [...found].map((match) => ({
    text: match[1] ?? '',
    line: page.slice(0, match.index).split('\n').length + 1,
  }));
}

/** Targets of links, outside of fenced blocks and code. */
export function linksOf(page: string): string[] {
  const prose = page.replace(/^```.*?^```$/gms, '').replace(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '');
}

/** The anchors that GitLab and GitHub give to the headings of a page. */
export function anchorsOf(page: string): Set<string> {
  const prose = page.replace(/^```.*?^```$/gms, '');
  const headings = [...prose.matchAll(/^#{1,6} (.+)$/gm)].map((match) => match[1] ?? '');
  return new Set(headings.map(toAnchor));
}

function toAnchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .trim()
    .replaceAll(' ', '-');
}
