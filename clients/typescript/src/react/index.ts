"use client";

export { TasksProvider, type TasksProviderProps } from "./context.js";
export { useTask, useTaskCounts, useTaskList } from "./queries.js";
export {
  useChangeTask,
  useChangeTasks,
  useCompleteTask,
  useCreateTask,
  useCreateTasks,
  useDeleteTask,
  useDeleteTasks,
  type Write,
} from "./writes.js";
