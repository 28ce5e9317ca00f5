import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

/** The folder of the compose files. */
const DEPLOY = fileURLToPath(new URL('../../../deploy', import.meta.url));

/** A service of a compose file. */
export interface Service {
  readonly image: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly secrets?: readonly string[];
  readonly volumes?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly stop_grace_period?: string;
}

/** A compose file. */
export interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
  readonly volumes: Readonly<Record<string, null>>;
}

/** A service that is a server of this project, with its name. */
export interface ServerService {
  readonly name: string;
  readonly service: Service & Required<Pick<Service, 'environment'>>;
}

/** Reads a compose file of the folder `deploy`, as Docker does: with merged anchors. */
export function readCompose(name: string): Compose {
  return parse(readFileSync(join(DEPLOY, name), 'utf8'), { merge: true }) as Compose;
}

/** The servers of a compose file. */
export function serversOf({ services }: Compose): readonly ServerService[] {
  return Object.entries(services).flatMap(([name, service]) => {
    const { environment } = service;
    return service.image === 'chiron:agents' && environment !== undefined
      ? [{ name, service: { ...service, environment } }]
      : [];
  });
}
