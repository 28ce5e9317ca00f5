/** The kinds of output items, as their ids begin. */
export type ItemPrefix = 'msg' | 'rs' | 'mcp' | 'fc';

const RESPONSE_ID = /^resp_([A-Za-z0-9]{1,64})$/;
const ITEM_ID = /^(?:msg|rs|mcp|fc)_([A-Za-z0-9]{1,64})_\d{1,9}$/;

/** Returns the id of the response of a turn: that of its message with another prefix, so that all doors know the turn by it. */
export function toResponseId(messageId: string): string {
  return `resp_${toTurnPart(messageId)}`;
}

/** Returns the message id of a response's turn; `undefined` for a text that is no response id of this server. */
export function toTurnMessageId(responseId: string): string | undefined {
  const part = RESPONSE_ID.exec(responseId)?.[1];
  return part === undefined ? undefined : `msg_${part}`;
}

/** Makes the id of an output item from its place, so that every reader of the turn gets the same. */
export function toItemId(prefix: ItemPrefix, messageId: string, index: number): string {
  return `${prefix}_${toTurnPart(messageId)}_${index}`;
}

/** Returns the message id of the turn whose item has this id; `undefined` for an item of somebody else. */
export function findItemTurn(itemId: string): string | undefined {
  const part = ITEM_ID.exec(itemId)?.[1];
  return part === undefined ? undefined : `msg_${part}`;
}

function toTurnPart(messageId: string): string {
  return messageId.replace(/^msg_/, '');
}
