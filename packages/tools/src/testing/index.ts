export { makeRepository, openRepository, plainFiles, type TestRepository } from "./repository.ts";
