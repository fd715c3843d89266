export { conflictingFields } from "../fields.js";
export { indexedDbStore } from "./indexeddb.js";
export { OfflineTasks, type DeleteOptions, type OfflineOptions } from "./offline.js";
export { mineWins, setAside, theirsWin, type Merge, type WriteConflict } from "./replay.js";
export { memoryStore, type Batch, type Refusal, type State, type Store, type Write } from "./store.js";
export type { Snapshot } from "./snapshot.js";
export type { Status } from "./tabs.js";
export { countTasks, selectTasks } from "./view.js";
