/** The controllers that limits need, and how the system offers them. Paths are folders below which groups are made. */
export type CgroupLayout =
  | { readonly version: 2; readonly base: string }
  | { readonly version: 1; readonly memory?: string; readonly pids?: string; readonly cpuacct?: string };

/** The group to which the server moves itself in version 2, where a group with children may have no processes of its own. */
export const SERVER_GROUP = 'chiron-server';

/**
 * Finds this process's control groups (cgroups(7)).
 *
 * @param mounts text of `/proc/self/mounts`
 * @param memberships text of `/proc/self/cgroup`
 * @param exists whether a folder exists; in a container the own path may not be visible below the mount
 */
export function findCgroupLayout(
  mounts: string,
  memberships: string,
  exists: (path: string) => boolean,
): CgroupLayout | undefined {
  const mounted = mounts.split('\n').map((line) => line.split(' '));
  const member = memberships.split('\n').map((line) => /^(\d+):([^:]*):(.*)$/.exec(line));
  const locate = (mount: string | undefined, path: string | undefined): string | undefined => {
    if (mount === undefined || path === undefined) return undefined;
    const own = path === '/' ? mount : `${mount}${path}`;
    return exists(own) ? own : mount;
  };
  const findLegacy = (controller: string): string | undefined =>
    locate(
      mounted.find(([, , type, options = '']) => type === 'cgroup' && options.split(',').includes(controller))?.[1],
      member.find((match) => match?.[2]?.split(',').includes(controller) === true)?.[3],
    );
  const [memory, pids, cpuacct] = [findLegacy('memory'), findLegacy('pids'), findLegacy('cpuacct')];
  if (memory !== undefined || pids !== undefined) {
    return {
      version: 1,
      ...(memory === undefined ? {} : { memory }),
      ...(pids === undefined ? {} : { pids }),
      ...(cpuacct === undefined ? {} : { cpuacct }),
    };
  }
  const unified = locate(
    mounted.find(([, , type]) => type === 'cgroup2')?.[1],
    member.find((match) => match?.[1] === '0' && match[2] === '')?.[3],
  );
  if (unified === undefined) return undefined;
  // An earlier server of the same service has moved the shell that started both.
  const isLeaf = unified.endsWith(`/${SERVER_GROUP}`);
  return { version: 2, base: isLeaf ? unified.slice(0, -SERVER_GROUP.length - 1) : unified };
}

/** Reads one `name value` line, as in `memory.events` and `memory.oom_control`; 0 if there is none. */
export function readCounter(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
}
