// What a call costs, counted roughly as xAI counts.

import { type ImageSummary, imageTokens } from "./image.ts";
import type { ChatRequest } from "./request.ts";

/** Price of a token in ticks (10^10 of them are a dollar), as grok-4.3 is listed. */
const TICKS = { prompt: 12_500, cached: 2_000, completion: 25_000 };
const REASONING_TOKENS = 96;

/** The `usage` of an answer. The system prompt is cached from a conversation's second call on. */
export function usage(
  chat: ChatRequest,
  images: ImageSummary[],
  content: string,
  isFirst: boolean,
) {
  const image = images.reduce((sum, each) => sum + imageTokens(each), 0);
  const text = tokens(chat.system) + tokens(chat.text.join("\n"));
  const cached = isFirst ? 0 : tokens(chat.system);
  const reasoning = chat.reasoning ? REASONING_TOKENS : 0;
  const completion = tokens(content);
  const prompt = text + image;
  const ticks = (prompt - cached) * TICKS.prompt + cached * TICKS.cached +
    (completion + reasoning) * TICKS.completion;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion + reasoning,
    prompt_tokens_details: {
      text_tokens: text,
      image_tokens: image,
      audio_tokens: 0,
      cached_tokens: cached,
    },
    completion_tokens_details: { reasoning_tokens: reasoning, audio_tokens: 0 },
    num_sources_used: 0,
    cost_in_usd_ticks: ticks,
  };
}

function tokens(text: string): number {
  return Math.ceil(text.length / 4);
}
