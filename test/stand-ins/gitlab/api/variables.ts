/** Routes of the CI/CD variables of projects and groups. */
import { type Request, Router } from 'express';
import { z } from 'zod';
import type { GitLab } from '../core.ts';
import type { Project, Variable } from '../state.ts';
import { findGroup } from './groups.ts';
import {
  ApiError,
  asker,
  flag,
  invalid,
  MAINTAINER,
  notFound,
  OWNER,
  parameters,
  segment,
  sendPage,
} from './http.ts';

const settings = {
  protected: flag.optional(),
  masked: flag.optional(),
  masked_and_hidden: flag.optional(),
  raw: flag.optional(),
  variable_type: z.enum(['env_var', 'file']).optional(),
  environment_scope: z.string().optional(),
  description: z.string().nullish(),
};
const newVariable = z.object({ key: z.string(), value: z.string(), ...settings });
const changedVariable = z.object({ value: z.string().optional(), ...settings });

type Holder = Pick<Project, 'variables'>;

export function variableRoutes(gitlab: GitLab): Router {
  const routes = Router();
  const holders: [string, (request: Request) => Holder][] = [
    ['/projects/:id/variables', (request) => asker(gitlab, request, MAINTAINER).project],
    ['/groups/:id/variables', (request) => findGroup(gitlab, request, OWNER)],
  ];
  for (const [path, holder] of holders) addRoutes(routes, path, holder);
  return routes;
}

function addRoutes(routes: Router, path: string, holder: (request: Request) => Holder): void {
  routes.get(path, (request, response) => {
    sendPage(request, response, holder(request).variables, present);
  });
  routes.post(path, (request, response) => {
    const variable = addVariable(holder(request), parameters(request, newVariable));
    response.status(201).json(present(variable));
  });
  routes.get(`${path}/:key`, (request, response) => {
    response.json(present(find(holder(request), request)));
  });
  routes.put(`${path}/:key`, (request, response) => {
    const { variables } = holder(request);
    const variable = find({ variables }, request);
    const changed = change({ ...variable }, parameters(request, changedVariable));
    variables[variables.indexOf(variable)] = changed;
    response.json(present(changed));
  });
  routes.delete(`${path}/:key`, (request, response) => {
    const { variables } = holder(request);
    variables.splice(variables.indexOf(find({ variables }, request)), 1);
    response.status(204).end();
  });
}

/** Adds a variable, whose key is taken once in each scope. */
export function addVariable(holder: Holder, wanted: z.output<typeof newVariable>): Variable {
  if (!/^\w{1,255}$/.test(wanted.key)) {
    throw invalid('key', "can contain only letters, digits and '_'.");
  }
  const scope = wanted.environment_scope ?? '*';
  const sameKey = holder.variables.filter(({ key }) => key === wanted.key);
  if (sameKey.some(({ environment_scope }) => environment_scope === scope)) {
    throw invalid('key', `(${wanted.key}) has already been taken`);
  }
  const variable = change(blank(wanted.key, wanted.value), wanted);
  holder.variables.push(variable);
  return variable;
}

/** The one variable of that key, and of the scope in `filter` where several have it. */
function find(holder: Holder, request: Request): Variable {
  const filter = z.object({ environment_scope: z.string().optional() }).optional();
  const given = parameters(request, z.object({ filter }));
  const scope = given.filter?.environment_scope ?? request.query['filter[environment_scope]'];
  const found = holder.variables.filter(
    (one) =>
      one.key === segment(request, 'key') &&
      (scope === undefined || one.environment_scope === scope),
  );
  if (found.length > 1) {
    const message =
      "There are multiple variables with provided parameters. Please use 'filter[environment_scope]'";
    throw new ApiError(409, { message });
  }
  const [variable] = found;
  if (variable === undefined) throw notFound('Variable');
  return variable;
}

function blank(key: string, value: string): Variable {
  return {
    variable_type: 'env_var',
    key,
    value,
    hidden: false,
    protected: false,
    masked: false,
    raw: false,
    environment_scope: '*',
    description: null,
  };
}

function change(variable: Variable, wanted: z.output<typeof changedVariable>): Variable {
  const { masked_and_hidden, ...rest } = wanted;
  const given = Object.entries(rest).filter(
    ([name, value]) => value !== undefined && name in variable,
  );
  Object.assign(variable, Object.fromEntries(given));
  if (masked_and_hidden === true) variable.hidden = variable.masked = true;
  if (variable.masked && !/^\S{8,}$/.test(variable.value)) throw invalid('value', 'is invalid');
  return variable;
}

function present(variable: Variable) {
  return { ...variable, value: variable.hidden ? null : variable.value };
}
