/**
 * Forms that call the API: `data-call` is the method, `data-url` the address, `data-ask` a question first,
 * `data-body` what goes along besides the fields.
 */
import { call } from './api.js';
import { refresh } from './live.js';

const said = document.getElementById('said');
let silence;

/** Says how something went, to everybody; what went wrong stays until the next action. */
export function say(text, { isBad = false, link } = {}) {
  clearTimeout(silence);
  said.classList.toggle('bad', isBad);
  said.replaceChildren(text);
  if (link) {
    const anchor = document.createElement('a');
    anchor.href = link.href;
    anchor.textContent = link.text;
    said.append(' ', anchor);
  }
  if (!isBad) silence = setTimeout(() => said.replaceChildren(), 8_000);
}

/** Resolves to whether the person agrees. */
function agreed(question, yes) {
  const dialog = document.getElementById('ask');
  document.getElementById('ask-what').textContent = question;
  document.getElementById('ask-yes').textContent = yes;
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true });
  });
}

function bodyOf(form) {
  const inputs = [...form.querySelectorAll('input[name]')];
  const fields = inputs.map((input) => [
    input.name,
    input.type === 'number' ? input.valueAsNumber : input.value,
  ]);
  return { ...JSON.parse(form.dataset.body ?? '{}'), ...Object.fromEntries(fields) };
}

function tell(answer, name) {
  const first = answer.deployments?.[0];
  if (answer.id && answer.url && !answer.state) location.assign(answer.url);
  else if (first)
    say(`${name}: queued.`, { link: { href: first.url, text: 'Look at the deployment' } });
  else say(`${name}: under way.`);
}

/** What was taken is no longer being written: its fields go on with the page. */
function settle(form) {
  for (const input of form.querySelectorAll('input[name]')) input.defaultValue = input.value;
  form.reset();
}

async function submit(form) {
  const { call: method, url, ask } = form.dataset;
  const button = form.querySelector('button');
  const name = button.textContent.trim();
  if (ask && !(await agreed(ask, name))) return;
  button.disabled = true;
  try {
    tell(await call(method, url, bodyOf(form)), name);
    settle(form);
  } catch (error) {
    say(`${name}: ${error.message}`, { isBad: true });
  } finally {
    button.disabled = false;
    button.focus();
  }
  await refresh();
}

export function listen() {
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (!form.dataset.call) return;
    event.preventDefault();
    void submit(form);
  });
}
