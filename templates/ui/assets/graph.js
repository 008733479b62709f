/** Draws what a service used in the last hour, with uPlot, where the reader has come to see it. */
import { call } from './api.js';

const kinds = {
  cpu: { label: 'Processors', show: (value) => value.toFixed(2) },
  memory: { label: 'Memory', show: (value) => `${(value / 1024 ** 2).toFixed(0)} MiB` },
};
const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  hour12: false,
});
const every = 10_000;
const height = 130;

/* global uPlot */
const dark = matchMedia('(prefers-color-scheme: dark)');
const seen = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    seen.unobserve(target);
    keep(target);
  }
});
for (const figure of document.querySelectorAll('[data-metrics]')) seen.observe(figure);

/** Draws the graphs of a service, again and again. */
function keep(figure) {
  const words = figure.querySelector('figcaption');
  const graphs = createGraphs(figure);
  const ask = async () => {
    try {
      const { sum: all, usage } = await call('GET', figure.dataset.metrics);
      const sum = all ?? usage.series;
      const isKnown = sum.values.cpu.some((value) => value !== null);
      words.textContent = isKnown
        ? `The last hour: ${caption('cpu', sum)}; ${caption('memory', sum)}`
        : 'Nothing was measured in the last hour';
      graphs.draw(isKnown ? sum : undefined);
    } catch (error) {
      words.textContent = `What it used is not known: ${error.message}`;
    }
  };
  const again = async () => {
    if (document.visibilityState === 'visible') await ask();
    // What a failed instance used does not change any more.
    if (figure.dataset.still === undefined) setTimeout(again, every);
  };
  void again();
}

/** The graphs of a figure, which follow its width and the theme. */
function createGraphs(figure) {
  const places = [...figure.querySelectorAll('[data-graph]')];
  let shown;
  let graphs = [];
  const draw = () => {
    for (const graph of graphs) graph.destroy();
    graphs = shown ? places.map((place) => drawn(place, place.dataset.graph, shown)) : [];
  };
  dark.addEventListener('change', draw);
  new ResizeObserver(() => {
    for (const [at, graph] of graphs.entries()) {
      const { clientWidth: width } = places[at];
      if (graph.width !== width) graph.setSize({ width, height });
    }
  }).observe(figure);
  return {
    draw(series) {
      shown = series;
      draw();
    },
  };
}

/** In words, for whoever does not see it. */
function caption(kind, { values }) {
  const known = values[kind].filter((value) => value !== null);
  const { label, show } = kinds[kind];
  return `${label.toLowerCase()} ${show(known.at(-1) ?? 0)}, at most ${show(Math.max(0, ...known))}`;
}

function drawn(place, kind, { start, step, values }) {
  const first = Date.parse(start) / 1000;
  const times = values[kind].map((_, index) => first + (index * step) / 1000);
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const line = { stroke: colour('--line'), width: 1 };
  const axis = {
    stroke: colour('--soft'),
    grid: line,
    ticks: { show: false },
    font: '12px system-ui',
  };
  const { label, show } = kinds[kind];
  place.setAttribute('role', 'img');
  place.setAttribute('aria-label', caption(kind, { values }));
  return new uPlot(
    {
      ...{ width: place.clientWidth, height, legend: { show: false }, cursor: { y: false } },
      title: label,
      scales: {
        y: { range: (_, __, most) => [0, Math.max(most * 1.1, kind === 'cpu' ? 0.1 : 1)] },
      },
      axes: [
        {
          ...axis,
          space: 70,
          values: (_, ticks) => ticks.map((tick) => clock.format(tick * 1000)),
        },
        { ...axis, size: 64, space: 28, values: (_, ticks) => ticks.map(show) },
      ],
      series: [{}, { stroke: colour(`--${kind}`), fill: `${colour(`--${kind}`)}22`, width: 1.5 }],
    },
    [times, values[kind]],
    place,
  );
}
