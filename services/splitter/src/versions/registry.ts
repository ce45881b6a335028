import { Dataset, DatasetVersion, type DatasetTag } from '@soundstage/contracts';
import { badInput, readJson, SoundstageError, writeJson, type ObjectStore } from '@soundstage/core';
import { checkName } from '../check-spec.js';

/** So that a page of datasets with all their tags fits into a message. */
const MOST_TAGS = 100;
const SHORTEST_ID = 8;
/** History keys count down from here, so that the newest comes first: the year 5138. */
const END_OF_TIME_MS = 99_999_999_999_999;

/**
 * The versions of datasets as records in the object store:
 *
 *     dataset-names/<name>                   one for each dataset
 *     datasets/<name>/versions/<id>.json     a version; immutable
 *     datasets/<name>/history/<time>-<id>    newest first; follows from the version
 *     datasets/<name>/tags/<tag>.json        which version a tag stands for; moves under a precondition
 */
export interface DatasetRegistry {
  /** Keeps a version. Where there is one of the same id already, that one stays, and is returned. */
  record(version: DatasetVersion): Promise<DatasetVersion>;
  /** @param version a tag, an id, the first 8 or more digits of one, or empty for the newest. @throws NOT_FOUND */
  find(name: string, version: string): Promise<DatasetVersion>;
  /** @throws NOT_FOUND */
  dataset(name: string): Promise<Dataset>;
  list(page: Page): Promise<{ items: Dataset[]; nextPageToken: string }>;
  history(name: string, page: Page): Promise<{ items: DatasetVersion[]; nextPageToken: string }>;
  /**
   * @param expected id of the version that the tag must stand for, empty: of none; undefined: whatever it stands for
   * @throws CONFLICT when it stands for another one
   */
  tag(name: string, tag: string, id: string, expected: string | undefined): Promise<{ previous: string }>;
}

export interface Page {
  size: number;
  token: string;
}

export function createDatasetRegistry(store: ObjectStore): DatasetRegistry {
  const versionKey = (name: string, id: string) => `datasets/${name}/versions/${id}.json`;
  const tagKey = (name: string, tag: string) => `datasets/${name}/tags/${tag}.json`;

  const createOnce = (key: string, value: unknown) =>
    writeJson(store, key, value, { ifVersion: 'absent' }).catch((error: unknown) => {
      if (SoundstageError.from(error).reason !== 'ALREADY_EXISTS') throw error;
    });

  async function readVersion(name: string, id: string): Promise<DatasetVersion | undefined> {
    const found = await readJson<unknown>(store, versionKey(name, id));
    return found && DatasetVersion.fromJSON(found.value);
  }

  async function tagsOf(name: string): Promise<DatasetTag[]> {
    const prefix = `datasets/${name}/tags/`;
    const entries = await store.list(prefix, { limit: MOST_TAGS });
    const tags = await Promise.all(
      entries.map(async ({ key }) => {
        const record = await readJson<{ version: string }>(store, key);
        return { tag: key.slice(prefix.length, -'.json'.length), version: record?.value.version ?? '' };
      }),
    );
    return tags.filter(({ version }) => version !== '');
  }

  /** Names come from clients and become part of keys. */
  function checkedName(name: string): string {
    checkName(name, 'A dataset', 'name');
    return name;
  }

  const noDataset = (name: string) => new SoundstageError('NOT_FOUND', `There is no dataset ${JSON.stringify(name)}.`);
  const noVersion = (name: string, version: string) =>
    new SoundstageError(
      'NOT_FOUND',
      `The dataset ${name} has no version or tag ${JSON.stringify(version.slice(0, 100))}.`,
    );

  async function historyPage(name: string, { size, token }: Page) {
    const prefix = `datasets/${name}/history/`;
    const entries = await store.list(prefix, { limit: size, ...(token ? { after: `${prefix}${token}` } : {}) });
    const rests = entries.map(({ key }) => key.slice(prefix.length));
    return { ids: rests.map((rest) => rest.slice(15)), nextPageToken: rests.length < size ? '' : rests.at(-1)! };
  }

  async function resolve(name: string, version: string): Promise<string> {
    if (version === '') {
      const { ids } = await historyPage(name, { size: 1, token: '' });
      if (ids[0] === undefined) throw noDataset(name);
      return ids[0];
    }
    if (isIdLike(version)) {
      if (version.length === 64) return version;
      const prefix = `datasets/${name}/versions/`;
      const [first, second] = await store.list(prefix + version, { limit: 2 });
      if (second) throw badInput(`More than one version begins with ${version}: give more digits.`, 'version');
      if (first) return first.key.slice(prefix.length, -'.json'.length);
    } else if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(version)) {
      const tagged = await readJson<{ version: string }>(store, tagKey(name, version));
      if (tagged) return tagged.value.version;
    }
    throw noVersion(name, version);
  }

  const registry: DatasetRegistry = {
    async record(version) {
      checkedName(version.name);
      await createOnce(`dataset-names/${version.name}`, { name: version.name });
      await createOnce(versionKey(version.name, version.id), DatasetVersion.toJSON({ ...version, tags: [] }));
      const kept = (await readVersion(version.name, version.id)) ?? version;
      const remaining = String(END_OF_TIME_MS - (kept.createTime?.getTime() ?? 0)).padStart(14, '0');
      await createOnce(`datasets/${version.name}/history/${remaining}-${version.id}`, {});
      return kept;
    },

    async find(name, version) {
      const id = await resolve(checkedName(name), version);
      const [found, tags] = await Promise.all([readVersion(name, id), tagsOf(name)]);
      if (!found) throw noVersion(name, version);
      return { ...found, tags: tags.filter((tag) => tag.version === id).map(({ tag }) => tag) };
    },

    async dataset(name) {
      const id = await resolve(checkedName(name), '');
      const [latest, tags] = await Promise.all([readVersion(name, id), tagsOf(name)]);
      return Dataset.fromPartial({ name, latestVersion: id, latestTime: latest?.createTime, tags });
    },

    async list({ size, token }) {
      const prefix = 'dataset-names/';
      if (token) checkName(token, 'A page token', 'page_token');
      const entries = await store.list(prefix, { limit: size, ...(token ? { after: prefix + token } : {}) });
      const names = entries.map(({ key }) => key.slice(prefix.length));
      const items = await Promise.all(
        names.map((name) =>
          registry.dataset(name).catch((error: unknown) => {
            // Its first version is just being made.
            if (SoundstageError.from(error).reason === 'NOT_FOUND') return undefined;
            throw error;
          }),
        ),
      );
      return {
        items: items.filter((item) => item !== undefined),
        nextPageToken: names.length < size ? '' : names.at(-1)!,
      };
    },

    async history(name, page) {
      if (page.token && !/^\d{14}-[0-9a-f]{64}$/.test(page.token)) {
        throw badInput('The page token is none that ListDatasetVersions gave.', 'page_token');
      }
      const { ids, nextPageToken } = await historyPage(checkedName(name), page);
      if (ids.length === 0 && !page.token) throw noDataset(name);
      const tags = await tagsOf(name);
      const versions = await Promise.all(ids.map((id) => readVersion(name, id)));
      const items = versions
        .filter((version) => version !== undefined)
        .map((version) => ({
          ...version,
          tags: tags.filter((tag) => tag.version === version.id).map(({ tag }) => tag),
        }));
      return { items, nextPageToken };
    },

    async tag(name, tag, id, expected) {
      checkName(tag, 'A tag', 'tag');
      if (isIdLike(tag)) throw badInput(`${tag} could be taken for the id of a version: choose a word.`, 'tag');
      const key = tagKey(checkedName(name), tag);
      for (;;) {
        const present = await readJson<{ version: string }>(store, key);
        const previous = present?.value.version ?? '';
        if (expected !== undefined && expected !== previous) {
          const stands = previous ? `stands for version ${previous}` : 'stands for no version';
          throw new SoundstageError('CONFLICT', `The tag ${tag} of ${name} ${stands}, not for what you expected.`, {
            retryable: false,
            violations: [{ field: 'expected_version', description: `the tag ${stands}` }],
          });
        }
        if (!present && (await store.list(`datasets/${name}/tags/`, { limit: MOST_TAGS })).length >= MOST_TAGS) {
          throw badInput(`The dataset ${name} has ${MOST_TAGS} tags already: move one of them.`, 'tag');
        }
        try {
          await writeJson(store, key, { version: id }, { ifVersion: present?.version ?? 'absent' });
          return { previous };
        } catch (error) {
          // Somebody else moved it between reading and writing: look again.
          const { reason } = SoundstageError.from(error);
          if (reason !== 'CONFLICT' && reason !== 'ALREADY_EXISTS') throw error;
        }
      }
    },
  };
  return registry;
}

/** Whether a word is read as an id, or the first digits of one, rather than as a tag. */
function isIdLike(word: string): boolean {
  return word.length >= SHORTEST_ID && word.length <= 64 && /^[0-9a-f]+$/.test(word);
}
