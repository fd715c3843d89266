export { TasksProvider, type TasksProviderProps } from "./context.js";
export { useTask, useTaskCounts, useTaskList } from "./queries.js";
export * from "./writes.js";
