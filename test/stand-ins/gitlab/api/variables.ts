/** Routes of a project's CI/CD variables. */
import { type Request, Router } from 'express';
import { z } from 'zod';
import type { GitLab } from '../core.ts';
import type { Variable } from '../state.ts';
import {
  ApiError,
  asker,
  flag,
  invalid,
  MAINTAINER,
  notFound,
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

export function variableRoutes(gitlab: GitLab): Router {
  const routes = Router();
  routes.get('/projects/:id/variables', (request, response) => {
    const { project } = asker(gitlab, request, MAINTAINER);
    sendPage(request, response, project.variables, present);
  });
  routes.post('/projects/:id/variables', (request, response) => {
    const { project } = asker(gitlab, request, MAINTAINER);
    const wanted = parameters(request, newVariable);
    if (!/^\w{1,255}$/.test(wanted.key)) {
      throw invalid('key', "can contain only letters, digits and '_'.");
    }
    const scope = wanted.environment_scope ?? '*';
    if (
      project.variables.some((one) => one.key === wanted.key && one.environment_scope === scope)
    ) {
      throw invalid('key', `(${wanted.key}) has already been taken`);
    }
    const variable = change(blank(wanted.key, wanted.value), wanted);
    project.variables.push(variable);
    response.status(201).json(present(variable));
  });
  routes.get('/projects/:id/variables/:key', (request, response) => {
    response.json(present(find(gitlab, request).variable));
  });
  routes.put('/projects/:id/variables/:key', (request, response) => {
    const { project, variable } = find(gitlab, request);
    const changed = change({ ...variable }, parameters(request, changedVariable));
    project.variables[project.variables.indexOf(variable)] = changed;
    response.json(present(changed));
  });
  routes.delete('/projects/:id/variables/:key', (request, response) => {
    const { project, variable } = find(gitlab, request);
    project.variables = project.variables.filter((other) => other !== variable);
    response.status(204).end();
  });
  return routes;
}

/** The one variable of that key, and of the scope in `filter` where several have it. */
function find(gitlab: GitLab, request: Request) {
  const { project } = asker(gitlab, request, MAINTAINER);
  const filter = z.object({ environment_scope: z.string().optional() }).optional();
  const given = parameters(request, z.object({ filter }));
  const scope = given.filter?.environment_scope ?? request.query['filter[environment_scope]'];
  const found = project.variables.filter(
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
  return { project, variable };
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
