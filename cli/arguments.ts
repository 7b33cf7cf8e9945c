/**
 * Reads the words after a command's name.
 *
 * @module
 */
import { usageError } from "./command_error.ts";
import { type NodeId, parseNodeId } from "./option_values.ts";

/**
 * Reads a node id.
 * @throws {CommandError} Exit code 2.
 */
export function readNodeId(word: string | undefined): NodeId {
  try {
    return parseNodeId(word ?? "");
  } catch (error) {
    if (error instanceof RangeError) throw usageError(`<node-id>: ${error.message}`);
    throw error;
  }
}
