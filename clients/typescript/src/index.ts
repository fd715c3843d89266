export { CLIENT_CODES, SERVICE_CODES, TaskProblem } from "./problem.js";
export type { FieldError, ProblemCode, ServiceCode } from "./problem.js";
export { createTasks } from "./tasks.js";
export type { CallOptions, ChangeOptions, Tasks, TasksOptions } from "./tasks.js";
export type { GetToken } from "./token.js";
export type * from "./types.js";
