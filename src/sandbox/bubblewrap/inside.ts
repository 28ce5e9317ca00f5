/** What is the same inside every sandbox, so that a thread's folder can move to another machine. */
export const INSIDE = {
  userId: '1000',
  userName: 'agent',
  workspace: '/workspace',
  home: '/home/agent',
  /** What the server writes for the agent, which only reads it. */
  server: '/run/thread',
  socketFolder: '/run/chiron',
  /** A program that speaks TCP only reaches the broker's socket by this port of the loopback interface. */
  brokerPort: 8100,
} as const;

/** The name of the broker's socket in its folder. */
export const BROKER_SOCKET = 'broker.sock';

/** Port 8100 on 127.0.0.1 as `/proc/net/tcp` writes it on a little-endian machine, as all that Claude Code and Codex run on. */
const LISTENING = `0100007F:${INSIDE.brokerPort.toString(16).toUpperCase()}`;

/**
 * Starts the forwarder from the loopback port to the broker's socket, waits until it listens (at most about three seconds: without it only
 * the network is missing), and becomes the program. A session of its own keeps the forwarder alive while the program is asked to end.
 */
export const FORWARD_AND_RUN = `
setsid socat TCP-LISTEN:${INSIDE.brokerPort},bind=127.0.0.1,fork,reuseaddr UNIX-CONNECT:${INSIDE.socketFolder}/${BROKER_SOCKET} </dev/null >/dev/null 2>&1 &
listens() {
  while read -r _ address _; do [ "$address" = ${LISTENING} ] && return 0; done </proc/net/tcp
  return 1
}
rounds=0
until listens || [ $rounds -eq 300 ]; do rounds=$((rounds + 1)); sleep 0.01; done
exec "$0" "$@"`;
