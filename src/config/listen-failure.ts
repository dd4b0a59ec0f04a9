/** Why a listener cannot have its address, in words that name the option to change. */
import { TributaryError } from "../base/errors.ts";
import type { ListenAddress } from "../base/service.ts";
import { showAddress } from "./kinds/address.ts";

/** Whatever a room says of an address it cannot have, the operator learns which option to change. */
export function listenFailure(name: string, wanted: ListenAddress, error: unknown): unknown {
  return addressFailure(`give --${name} another HOST:PORT, or off`, wanted, error);
}

/** The same, where the way to another address is told in words of its own. */
export function addressFailure(advice: string, wanted: ListenAddress, error: unknown): unknown {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const address = showAddress(wanted);
  switch ((cause as NodeJS.ErrnoException).code) {
    case "EADDRINUSE":
    case "ADDRESS_IN_USE":
      return new TributaryError(
        "ADDRESS_IN_USE",
        `The address ${address} is in use: stop what listens there, or ${advice}.`,
        { cause: error },
      );
    case "EACCES":
      return new TributaryError(
        "CONFIG_INVALID",
        `Not allowed to listen on ${address} (ports below 1024 need a privilege): ${advice}.`,
        { cause: error },
      );
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new TributaryError(
        "CONFIG_INVALID",
        `${address} is not an address of this machine: ${advice}.`,
        { cause: error },
      );
    default:
      return error;
  }
}
