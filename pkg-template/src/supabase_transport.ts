// PostgREST and Realtime through a supabase-js client that the caller has already, with its session.
// deno-lint-ignore-file no-explicit-any -- supabase-js's own types depend on the caller's database

import { answerOf, isSuccess, noAnswer, type Transport, unexpected } from "./transport.ts";

/** What is used of a supabase-js client. */
export interface SupabaseLike {
  rpc(name: any, args?: any): any;
  from(table: any): any;
  channel?(topic: string, options?: any): any;
  removeChannel?(channel: any): any;
  realtime?: { setAuth?(): any };
}

export function supabaseTransport(client: SupabaseLike): Transport {
  const answer = async (request: PromiseLike<any>) => {
    const { data, error, status } = await request;
    if (!error) return { data };
    if (isSuccess(status)) return unexpected("it is no JSON");
    return status ? answerOf(status, error) : noAnswer(error);
  };
  return {
    rpc: (name, args, signal) => answer(fresh(client.rpc(name, args)).abortSignal(signal)),
    read: ({ filters, limit }, signal) => {
      let query = fresh(client.from("visible_jobs").select());
      for (const [column, operator, value] of filters) {
        query = query.filter(column, operator, value);
      }
      return answer(
        query.order("created_at", { ascending: false }).limit(limit).abortSignal(signal),
      );
    },
  };
}

/** Has the request sent past what a framework keeps of earlier ones, as far as the client lets us. */
function fresh(query: any): any {
  const send = query.fetch;
  if (send) query.fetch = (url: any, init: any) => send(url, { ...init, cache: "no-store" });
  return query;
}

/** Calls `hear` when the job moves on. `isOn` says whether Realtime is there; without it nothing is ever heard. */
export interface Listener {
  isOn(): boolean;
  stop(): void;
}

/** By client and topic: a supabase-js client has one channel to a topic, which all who wait for that job share. */
const channels = new WeakMap<SupabaseLike, Map<string, Shared>>();

interface Shared {
  channel: any;
  isOn: boolean;
  hears: Set<() => void>;
}

export function listen(client: SupabaseLike, jobId: string, hear: () => void): Listener {
  if (!client.channel) return { isOn: () => false, stop() {} };
  const topics = channels.get(client) ?? new Map<string, Shared>();
  channels.set(client, topics);
  const topic = `job:${jobId}`;
  const shared = topics.get(topic) ?? join(client, topic);
  topics.set(topic, shared);
  shared.hears.add(hear);
  return {
    isOn: () => shared.isOn,
    stop() {
      shared.hears.delete(hear);
      if (shared.hears.size > 0 || topics.get(topic) !== shared) return;
      topics.delete(topic);
      attempt(() => client.removeChannel?.(shared.channel));
    },
  };
}

function join(client: SupabaseLike, topic: string): Shared {
  const shared: Shared = { channel: null, isOn: false, hears: new Set() };
  const tell = () => shared.hears.forEach((hear) => hear());
  attempt(async () => {
    shared.channel = client.channel!(topic, { config: { private: true } })
      .on("broadcast", { event: "job" }, tell);
    // The user's token must be there before the topic is joined: the policy on it asks who they are.
    await attempt(() => client.realtime?.setAuth?.());
    shared.channel.subscribe((status: string) => {
      shared.isOn = status === "SUBSCRIBED";
      // What happened before is not heard; nor is it while the connection is away.
      tell();
    });
  });
  return shared;
}

/** Realtime only saves time: what it throws costs nobody their wait. */
async function attempt(use: () => unknown) {
  try {
    await use();
  } catch {
    // The job is looked at all the same.
  }
}
