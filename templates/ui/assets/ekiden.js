/** What every page does: friendly times, actions, and keeping itself true. */
import { listen } from './actions.js';
import { keepFresh } from './live.js';
import { showTimes } from './times.js';

showTimes();
setInterval(showTimes, 20_000);
listen();
keepFresh();
