/** The settings as a table to look at: values, where they come from, and no secret. */
import { type SettingName, type SettingsReading, settings } from './config.ts';
import type { Setting } from './config-reading.ts';
import { redacted } from './core/secret.ts';

export interface SettingRow {
  /** As in the file. */
  name: SettingName;
  /** The environment variable. */
  env: string;
  /** Empty where nothing is set. */
  value: string;
  /** `default`, `environment`, or a place in the file such as `ekiden.config.yaml:3`. */
  source: string;
}

/** One row for each setting, in the order of their declaration. */
export function settingsTable({ found }: SettingsReading): SettingRow[] {
  return (Object.keys(settings) as SettingName[]).map((name) => {
    const { given, value, source } = found[name];
    const shown = given === undefined ? textOf(value) : shownOf(settings[name], given, value);
    return { name, env: settings[name].env, value: shown, source };
  });
}

function shownOf(declared: Setting, given: unknown, value: unknown): string {
  if (declared.secret) return redacted;
  if (!declared.shown) return textOf(partsOf(given, value));
  // What cannot be read cannot be taken apart either.
  return value === undefined ? redacted : declared.shown(value);
}

/** What is read as a list or a map may be written as one text of several addresses. */
function partsOf(given: unknown, value: unknown): unknown {
  return typeof given === 'string' && typeof value === 'object'
    ? given.split(',')
    : (given ?? value);
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value)) return value.map(textOf).join(',');
  if (typeof value !== 'object') return withoutPassword(String(value));
  return Object.entries(value)
    .map(([name, part]) => `${name}=${textOf(part)}`)
    .join(',');
}

/** Addresses may hold a user and a password, with anything in it; a token may stand alone. */
function withoutPassword(text: string): string {
  return text.replace(/(:\/\/(?!\/)(?:[^/\s:@,]*:)?).*@/s, `$1${redacted}@`);
}
