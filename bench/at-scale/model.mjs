// How long, how much, and what binds first: a flow model. No randomness, no queue theory, for one reason: a million equal
// clips through stages that overlap keep the scarcest resource busy from the first minute to the last, so the time of a
// phase is the largest of (what all clips need of a resource) / (what there is of it). What that leaves out (stragglers,
// ramps, retries) makes it a lower bound.

const GB = 1e9;
const TIB = 2 ** 40;
const HOUR_S = 3600;

/**
 * @typedef {{ name: string, needs: number, has: number, unit: string }} Resource what one clip needs, and what there is a second
 * @param {{ measured: object, given: Record<string, number | string>, prices: Record<string, number> }} inputs
 * @param {number} t4s
 */
export function simulate({ measured, given, prices }, t4s) {
  const { clips } = given;
  const { stages } = measured;
  const again = given.spot ? 1 + given.spotLoss : 1;
  const cores = given.cpuVcpus * given.coreFactor;
  const besideT4 = t4s * given.vcpusBesideT4 * given.coreFactor;
  const all = (names, key) => names.reduce((sum, name) => sum + stages[name][key], 0);
  const onCpu = ['collect', 'preprocess'];
  const first = [...onCpu, 'extract'];

  const storeAndQueue = (names) => [
    { name: 'Cloud Storage, writes', needs: all(names, 'writes'), has: given.gcsWritesS, unit: 'requests' },
    { name: 'Cloud Storage, reads', needs: all(names, 'reads'), has: given.gcsReadsS, unit: 'requests' },
    {
      name: 'Pub/Sub quota',
      needs: names.length * given.pubsubRequests * 1000,
      has: given.pubsubMbS * 1e6,
      unit: 'bytes',
    },
  ];
  const t4Node = (stage, netShare) => [
    { name: 'T4s', needs: (stages[stage].ownS * netShare * again) / given.t4Factor, has: t4s, unit: 'T4 seconds' },
    {
      name: 'vCPUs beside the T4s',
      needs: (stages[stage].ownS * (1 - netShare) + stages[stage].programsS) * again,
      has: besideT4,
      unit: 'core seconds',
    },
  ];
  const features = phase('collect, preprocess, extract', clips, given.gpuStartS, [
    { name: 'politeness to hosts', needs: given.downloadS, has: given.hosts * given.perHost, unit: 'download seconds' },
    {
      name: 'network into the cluster',
      needs: given.clipBytes * 8,
      has: given.ingressGbitS * 1e9,
      unit: 'bits',
    },
    {
      name: 'vCPUs of CPU nodes',
      needs: all(onCpu, 'ownS') + all(onCpu, 'programsS'),
      has: cores,
      unit: 'core seconds',
    },
    ...t4Node('extract', given.netShareExtract),
    ...storeAndQueue(first),
  ]);
  const split = phase('split', clips, 0, [
    { name: 'one process of the splitter', needs: given.splitS, has: given.coreFactor, unit: 'core seconds' },
  ]);
  const trainT4s = Math.min(t4s, given.trainT4s);
  const train = phase('train', clips, given.gpuStartS, [
    {
      name: 'T4s that one training uses',
      needs: (measured.training.cpuS[given.trainSize] * given.epochs) / given.t4Factor,
      has: trainT4s,
      unit: 'T4 seconds',
    },
  ]);
  const foley = phase('foley', clips, given.gpuStartS, [
    ...t4Node('foley', given.netShareFoley),
    ...storeAndQueue(['foley']),
  ]);

  const phases = [features, split, train, foley];
  const totalS = phases.reduce((sum, { seconds }) => sum + seconds, 0);
  const perT4Hour = given.spot ? prices.t4SpotHour : prices.t4Hour;
  const nodeHour = perT4Hour + given.vcpusBesideT4 * (given.spot ? prices.n1SpotVcpuHour : prices.n1VcpuHour);
  const bytes = clips * (given.clipBytes + all([...first, 'foley'], 'bytesIn'));
  const jobs = first.length + 1;
  // Nodes are held for as long as their phase lasts, busy or not: the price of what doesn't bind.
  const cost = {
    'T4 nodes': (nodeHour * ((features.seconds + foley.seconds) * t4s + train.seconds * trainT4s)) / HOUR_S,
    'CPU nodes': (prices.e2VcpuHour * given.cpuVcpus * (features.seconds + split.seconds)) / HOUR_S,
    cluster: (prices.clusterHour * totalS) / HOUR_S,
    'Cloud Storage, requests':
      (clips * all([...first, 'foley'], 'writes') * prices.classA10k +
        clips * all([...first, 'foley'], 'reads') * prices.classB10k) /
      1e4,
    'Cloud Storage, space': (bytes / GB) * prices.storageGbMonth * (given.storedDays / 30),
    'Pub/Sub': ((clips * jobs * given.pubsubRequests * 1000) / TIB) * prices.pubsubTib,
    'network out': ((clips * stages.foley.bytesIn * given.downloadShare) / GB) * prices.egressGb,
  };
  const totalUsd = Object.values(cost).reduce((sum, usd) => sum + usd, 0);
  return { t4s, clips, phases, totalS, cost, totalUsd, usdAClip: totalUsd / clips, storedBytes: bytes };
}

/** Time of a phase: the largest that any one resource needs for all clips, after what it takes to start. */
function phase(name, clips, startS, resources) {
  const loads = resources.map(({ needs, has, ...rest }) => ({
    ...rest,
    seconds: has > 0 ? (clips * needs) / has : Infinity,
  }));
  const flowS = Math.max(...loads.map(({ seconds }) => seconds));
  // How busy each resource is while the one that binds is wholly busy.
  const resourcesBusy = loads.map((load) => ({ ...load, busy: flowS > 0 ? load.seconds / flowS : 0 }));
  const binds = resourcesBusy.reduce((most, one) => (one.seconds > most.seconds ? one : most)).name;
  return { name, seconds: clips > 0 ? startS + flowS : 0, flowS, startS, binds, resources: resourcesBusy };
}
