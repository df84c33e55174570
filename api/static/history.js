// Conversations, kept in this browser alone: {id, at, turns: [{question, answer}]}, the latest first.

import { forget, read, write } from "./keep.js";

const NAME = "conversations";
const CURRENT = "conversation";
const MOST = 50;
const MOST_TURNS = 40;
const TURN_LIMIT = 20000; // characters of a question or answer that the service takes
const LATEST = 8; // turns that a follow-up may lean on

export function all() {
  const kept = read(NAME);
  return Array.isArray(kept) ? kept.filter((each) => each?.id && Array.isArray(each.turns)) : [];
}

export function keep(conversation) {
  const turns = conversation.turns.filter((turn) => turn.answer).slice(-MOST_TURNS);
  if (!turns.length) return;
  let kept = [{ ...conversation, turns }, ...all().filter((each) => each.id !== conversation.id)].slice(0, MOST);
  while (!write(NAME, kept) && kept.length > 1) kept = kept.slice(0, -Math.ceil(kept.length / 4));
}

export function remove(id) {
  write(NAME, all().filter((each) => each.id !== id));
}

export function clear() {
  forget(NAME);
  forget(CURRENT, "sessionStorage");
}

// The one this tab shows, so that it is there again after a reload.
export function current() {
  const id = read(CURRENT, "sessionStorage");
  return all().find((each) => each.id === id) ?? null;
}

export function setCurrent(id) {
  write(CURRENT, id, "sessionStorage");
}

export function begin() {
  // randomUUID is for secure contexts alone, and a plain address in a local network is none.
  const id = Array.from(crypto.getRandomValues(new Uint32Array(3)), (each) => each.toString(36)).join("");
  return { id, at: Date.now(), turns: [] };
}

// What the service gets with a follow-up, oldest first.
export function turnsBefore(conversation) {
  return conversation.turns
    .filter((turn) => turn.answer)
    .slice(-LATEST)
    .map(({ question, answer }) => ({
      question: question.slice(0, TURN_LIMIT),
      answer: answer.answer.slice(0, TURN_LIMIT),
    }));
}
