// SPDX-License-Identifier: Apache-2.0
// Where oidc-provider keeps its codes, tokens, grants and interactions: plain maps in memory.
// (Its own memory adapter forgets all but the last 1,000 entries and shares them between tenants.)

export function memoryStore(findClient) {
  const records = new Map(); // "Model:id" -> { payload, expiresAt }
  const byGrant = new Map(); // grant id -> keys of the records to drop when it is revoked

  return class {
    constructor(model) {
      this.model = model;
    }

    key(id) {
      return `${this.model}:${id}`;
    }

    async upsert(id, payload, expiresIn) {
      const key = this.key(id);
      records.set(key, { payload, expiresAt: expiresIn ? Date.now() + expiresIn * 1000 : Infinity });
      if (payload.grantId) {
        if (!byGrant.has(payload.grantId)) byGrant.set(payload.grantId, new Set());
        byGrant.get(payload.grantId).add(key);
      }
      if (records.size % 1000 === 0) sweep(records);
    }

    async find(id) {
      if (this.model === 'Client') return findClient(id);
      return records.get(this.key(id))?.payload;
    }

    async findByUid(uid) {
      for (const [key, { payload }] of records) {
        if (key.startsWith('Session:') && payload.uid === uid) return payload;
      }
      return undefined;
    }

    async consume(id) {
      const record = records.get(this.key(id));
      if (record) record.payload.consumed = Math.floor(Date.now() / 1000);
    }

    async destroy(id) {
      records.delete(this.key(id));
    }

    async revokeByGrantId(grantId) {
      for (const key of byGrant.get(grantId) ?? []) records.delete(key);
      byGrant.delete(grantId);
    }
  };
}

function sweep(records) {
  const now = Date.now();
  for (const [key, { expiresAt }] of records) if (expiresAt <= now) records.delete(key);
}
