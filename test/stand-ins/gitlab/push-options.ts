/** Reads the options of `git push -o …` into the nested object that hook bodies carry. */

/** The options that GitLab knows; others are dropped. Those of `many` may come several times. */
const KNOWN: Record<string, { one: string[]; many: string[] }> = {
  merge_request: {
    one: [
      'create',
      'description',
      'draft',
      'merge_when_pipeline_succeeds',
      'milestone',
      'remove_source_branch',
      'target',
      'target_project',
      'title',
    ],
    many: ['assign', 'label', 'unassign', 'unlabel'],
  },
  ci: { one: ['skip'], many: ['input', 'variable'] },
  integrations: { one: ['skip_ci'], many: [] },
  secret_push_protection: { one: ['skip_all'], many: [] },
};

export type PushOptions = Record<string, Record<string, string | true | Record<string, number>>>;

/** `['ci.skip', 'ci.variable=A=1']` becomes `{ci: {skip: true, variable: {'A=1': 1}}}`. */
export function parsePushOptions(options: string[]): PushOptions {
  const parsed: PushOptions = {};
  for (const option of options) {
    const match = /^([^.]+)\.([^=]+)=?(.*)$/s.exec(option);
    if (match === null) continue;
    const [, written = '', key = '', value = ''] = match.map((part) => part.trim());
    const namespace = written === 'mr' ? 'merge_request' : written;
    const known = KNOWN[namespace];
    if (known === undefined || ![...known.one, ...known.many].includes(key)) continue;
    const group = parsed[namespace] ?? {};
    parsed[namespace] = group;
    if (known.many.includes(key)) group[key] = counted(group[key], value || 'true');
    else group[key] = value || true;
  }
  return parsed;
}

function counted(
  before: string | true | Record<string, number> | undefined,
  value: string,
): Record<string, number> {
  const counts = typeof before === 'object' ? before : {};
  return { ...counts, [value]: (counts[value] ?? 0) + 1 };
}
