// js-libp2p over TCP on this machine, Noise and Yamux, as bench/peers_libp2p.ts starts it: a server, or a client that
// measures against one and prints one JSON line. npm puts the packages beside a
// copy of this file; loaded by name, they are nothing that the house's own check looks for.
const load = (name) => import(name);
const { noise } = await load("@libp2p/noise");
const { tcp } = await load("@libp2p/tcp");
const { lpStream } = await load("@libp2p/utils");
const { yamux } = await load("@libp2p/yamux");
const { multiaddr } = await load("@multiformats/multiaddr");
const { createLibp2p } = await load("libp2p");

const PROTOCOL = "/openred-bench/1";
const [role, address, ...numbers] = Deno.args;

function createPeer(listen) {
  return createLibp2p({
    addresses: { listen },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    // Its defaults refuse so many connections a second.
    connectionManager: {
      maxConnections: 100_000,
      inboundConnectionThreshold: 1e9,
      maxIncomingPendingConnections: 1_000,
    },
    connectionMonitor: { enabled: false },
  });
}

async function serve() {
  const server = await createPeer(["/ip4/127.0.0.1/tcp/0"]);
  await server.handle(PROTOCOL, async (stream) => {
    const messages = lpStream(stream);
    try {
      for (;;) await messages.write(await messages.read());
    } catch {
      // The client has closed it.
    }
  });
  console.log(`ready ${server.getMultiaddrs()[0]}`);
}

/** Dials and closes, one connection after the other for each client; one client joins dials to one peer into one. */
async function connect(clients, target, durationMs) {
  const startMs = performance.now();
  let count = 0;
  await Promise.all(clients.map(async (client) => {
    while (performance.now() - startMs < durationMs) {
      const connection = await client.dial(target, { force: true });
      await connection.close();
      count++;
    }
  }));
  return count / (performance.now() - startMs) * 1_000;
}

/** Requests of so many bytes with `window` under way, each answered with as many. */
async function request(client, target, { bytes, window, durationMs }) {
  const connection = await client.dial(target, { force: true });
  const messages = lpStream(await connection.newStream(PROTOCOL));
  const message = new Uint8Array(bytes).fill(7);
  const startMs = performance.now();
  let count = 0;
  for (let sent = 0; sent < window; sent++) await messages.write(message);
  while (performance.now() - startMs < durationMs) {
    await messages.read();
    count++;
    await messages.write(message);
  }
  const perSecond = count / (performance.now() - startMs) * 1_000;
  await connection.close();
  return perSecond;
}

async function measure() {
  const [atOnce, bytes, window, durationMs, rounds] = numbers.map(Number);
  const target = multiaddr(address);
  const clients = await Promise.all(Array.from({ length: atOnce }, () => createPeer([])));
  const samples = { connections: [], requests: [] };
  for (let round = 0; round <= rounds; round++) {
    const connections = await connect(clients, target, durationMs);
    const requests = await request(clients[0], target, { bytes, window, durationMs });
    if (round === 0) continue;
    samples.connections.push(connections);
    samples.requests.push(requests);
  }
  console.log(`measured ${JSON.stringify(samples)}`);
  Deno.exit(0);
}

if (role === "serve") await serve();
else await measure();
