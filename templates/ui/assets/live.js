/** Keeps a page true: parts marked `data-live` are replaced by those of the same page asked for again. */
import { showTimes } from './times.js';

let isAsking = false;

/** Leaves alone what has the focus or was filled in, so that nobody loses their place. */
export async function refresh() {
  if (isAsking) return;
  isAsking = true;
  try {
    const response = await fetch(location.href, { headers: { Accept: 'text/html' } });
    if (response.redirected && new URL(response.url).pathname.endsWith('/sign-in'))
      location.reload();
    if (!response.ok) return;
    bringIn(new DOMParser().parseFromString(await response.text(), 'text/html'));
  } catch {
    // Ekiden is away for a moment; the next time is soon.
  } finally {
    isAsking = false;
  }
}

function bringIn(fresh) {
  const every = document.querySelector('[data-refresh]');
  // What has ended changes no more; a page that gained or lost parts is read anew as a whole.
  if (every && !fresh.querySelector('[data-refresh]')) delete every.dataset.refresh;
  const ids = (page) => [...page.querySelectorAll('[data-live]')].map(({ id }) => id).join();
  if (ids(fresh) !== ids(document) && !document.querySelector('dialog[open]'))
    return location.reload();
  for (const part of document.querySelectorAll('[data-live]')) {
    const now = fresh.getElementById(part.id);
    showTimes(now);
    const isEmptied = now.childElementCount === 0 && part.childElementCount > 0;
    if (part.contains(document.activeElement) && !isEmptied) continue;
    // A browser shows it only where nobody has written something else.
    if (part.matches('input')) part.defaultValue = now.defaultValue;
    else if (now.innerHTML !== part.innerHTML) part.replaceChildren(...now.childNodes);
  }
}

/** Seconds stand in `data-refresh`; a page that nobody sees asks for nothing. */
export function keepFresh() {
  const every = document.querySelector('[data-refresh]');
  if (!every) return;
  const again = async () => {
    if (document.visibilityState === 'visible') await refresh();
    if (every.dataset.refresh) setTimeout(again, Number(every.dataset.refresh) * 1000);
  };
  setTimeout(again, Number(every.dataset.refresh) * 1000);
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible' && every.dataset.refresh) void refresh();
  });
}
