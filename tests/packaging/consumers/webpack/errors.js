import { LockedError } from "eventfold";
import { LockedError as same } from "eventfold/slim";

console.log(new LockedError("locked") instanceof same);
