export { indexedDbStore } from "./indexeddb.js";
export { OfflineTasks, type OfflineOptions, type Snapshot, type Status } from "./offline.js";
export { mineWins, setAside, theirsWin, type Merge, type WriteConflict } from "./replay.js";
export { memoryStore, type Batch, type State, type Store, type Write } from "./store.js";
export { countTasks, selectTasks } from "./view.js";
