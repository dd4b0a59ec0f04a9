/** The version, from package.json: the one place it stands in. */
import packageFile from "../../package.json" with { type: "json" };

export const VERSION: string = packageFile.version;
